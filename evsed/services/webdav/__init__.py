"""Files over WebDAV, class 1 and 2, below /dav/. Source: RFC 4918; webdav.md."""

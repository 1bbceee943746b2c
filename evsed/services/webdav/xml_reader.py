"""XML of requests into small trees, and back into text. Pure.

Documents that declare a type are refused, and with it all entities of their own.
Source: RFC 4918 section 17; webdav.md section 5.1.
"""

from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from evsed.services.webdav.errors import bad

DAV: Final = "DAV:"
MAX_BODY_BYTES: Final = 65536
_MAX_LEVELS: Final = 64
_MAX_ELEMENTS: Final = 4000

_XML: Final = "http://www.w3.org/XML/1998/namespace"
#: Between the parts of a name; XML allows it in no name and no namespace.
_SPLIT: Final = "\n"

Name = tuple[str, str]


@dataclass(slots=True)
class Element:
    """One element.

    Args:
        name: namespace (empty for none) and local name.
        prefix: as the client wrote it.
        attributes: namespace, local name, prefix and value.
        declared: prefix and namespace, as declared on this very element.
        language: the ``xml:lang`` in force.
    """

    name: Name
    prefix: str
    attributes: list[tuple[str, str, str, str]]
    declared: dict[str, str]
    language: str
    content: list["Element | str"] = field(default_factory=list)

    @property
    def elements(self) -> list["Element"]:
        """The elements directly inside."""
        return [part for part in self.content if isinstance(part, Element)]

    def child(self, local: str) -> "Element | None":
        """Return the first element of the DAV: namespace with a name."""
        wanted = (DAV, local)
        return next((part for part in self.elements if part.name == wanted), None)


def parse(body: bytes) -> Element:
    """Return the root of a document.

    Raises:
        DavError: 400, not XML, with a document type, or nested out of all proportion.
    """
    return _Builder().build(body)


class _Builder:
    def __init__(self) -> None:
        self._root: Element | None = None
        self._open: list[Element] = []
        self._count = 0
        self._declared: dict[str, str] = {}

    def build(self, body: bytes) -> Element:
        parser = expat.ParserCreate(namespace_separator=_SPLIT)
        parser.namespace_prefixes = True
        parser.buffer_text = True
        parser.ordered_attributes = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartNamespaceDeclHandler = self._declare
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        try:
            parser.Parse(body, True)
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise bad(f"the body is not XML: {error}") from None
        if self._root is None:
            raise bad("the body is empty")
        return self._root

    def _doctype(self, *_: object) -> None:
        raise bad("XML with a document type is refused")

    def _declare(self, prefix: str | None, namespace: str | None) -> None:
        self._declared[prefix or ""] = namespace or ""

    def _start(self, tag: str, attributes: list[str]) -> None:
        self._count += 1
        if self._count > _MAX_ELEMENTS or len(self._open) >= _MAX_LEVELS:
            raise bad("XML with too many elements")
        namespace, local, prefix = _parts(tag)
        found = [
            (*_parts(name), value)
            for name, value in zip(attributes[::2], attributes[1::2], strict=True)
        ]
        outer = self._open[-1].language if self._open else ""
        language = next(
            (text for ns, name, _, text in found if (ns, name) == (_XML, "lang")), outer
        )
        element = Element((namespace, local), prefix, found, self._declared, language)
        self._declared = {}
        if self._open:
            self._open[-1].content.append(element)
        else:
            self._root = element
        self._open.append(element)

    def _end(self, _tag: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        if self._open:
            self._open[-1].content.append(text)


def _parts(name: str) -> tuple[str, str, str]:
    namespace, _, rest = name.partition(_SPLIT)
    if not rest:
        return "", namespace, ""
    local, _, prefix = rest.partition(_SPLIT)
    return namespace, local, prefix


def text_of(element: Element, *, keep_language: bool = False) -> str:
    """Return an element as XML that stands for itself wherever it is put.

    Args:
        element: the element.
        keep_language: write an inherited ``xml:lang`` out.
    """
    given = any((ns, name) == (_XML, "lang") for ns, name, _, _ in element.attributes)
    language = element.language if keep_language and not given else ""
    return _written(element, {"xml": _XML}, language)


def _written(element: Element, scope: dict[str, str], language: str = "") -> str:
    scope = dict(scope)
    head: list[str] = []
    for prefix, namespace in element.declared.items():
        head += _declaration(prefix, namespace, scope)
    namespace, local = element.name
    head += _declaration(element.prefix, namespace, scope)
    for attribute_namespace, _, prefix, _ in element.attributes:
        if prefix:
            head += _declaration(prefix, attribute_namespace, scope)
    head += [
        f"{_qualified(prefix, name)}={quoteattr(value)}"
        for _, name, prefix, value in element.attributes
    ]
    if language:
        head.append(f"xml:lang={quoteattr(language)}")
    tag = _qualified(element.prefix, local)
    inner = "".join(
        escape(part) if isinstance(part, str) else _written(part, scope) for part in element.content
    )
    start = " ".join((tag, *head))
    return f"<{start}>{inner}</{tag}>" if inner else f"<{start}/>"


def _declaration(prefix: str, namespace: str, scope: dict[str, str]) -> list[str]:
    """Return what declares a prefix, nothing when it is in force already."""
    if scope.get(prefix, "") == namespace:
        return []
    scope[prefix] = namespace
    return [f"{'xmlns:' + prefix if prefix else 'xmlns'}={quoteattr(namespace)}"]


def _qualified(prefix: str, local: str) -> str:
    return f"{prefix}:{local}" if prefix else local

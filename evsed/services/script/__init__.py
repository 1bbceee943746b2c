"""The owner's scripts, in Lua and a process of their own: they can do no more than REST can."""

"""A link-cut forest (Sleator and Tarjan, 1983): link, cut and root in logarithmic time, whatever the depth.

Each tree is cut into paths, each path is kept in a splay tree by depth, and the top of a path knows its parent.
"""


class LinkCutForest:
    """Nodes by number. `_above` is the parent in the splay tree, or, at its top, the node that the path hangs on."""

    __slots__ = ("_above", "_left", "_right")

    def __init__(self, count: int) -> None:
        self._left = [-1] * count
        self._right = [-1] * count
        self._above = [-1] * count

    def add(self) -> None:
        """One more node, by itself."""
        for column in (self._left, self._right, self._above):
            column.append(-1)

    def root(self, node: int) -> int:
        """The root of the node's tree."""
        self._expose(node)
        left = self._left
        while left[node] >= 0:
            node = left[node]
        self._splay(node)
        return node

    def link(self, child: int, parent: int) -> None:
        """The child is the root of another tree than the parent's."""
        self._expose(child)
        self._above[child] = parent

    def cut(self, child: int) -> None:
        """The child, which has a parent, becomes a root."""
        self._expose(child)
        upper = self._left[child]
        self._left[child] = -1
        self._above[upper] = -1

    def _expose(self, node: int) -> None:
        """The path from the root to this node becomes one splay tree, with the node on top."""
        below, at = -1, node
        while at >= 0:
            self._splay(at)
            self._right[at] = below
            below, at = at, self._above[at]
        self._splay(node)

    def _is_top(self, node: int) -> bool:
        above = self._above[node]
        return above < 0 or (self._left[above] != node and self._right[above] != node)

    def _splay(self, node: int) -> None:
        while not self._is_top(node):
            parent = self._above[node]
            if not self._is_top(parent):
                grandparent = self._above[parent]
                is_straight = (self._left[parent] == node) == (self._left[grandparent] == parent)
                self._rotate(parent if is_straight else node)
            self._rotate(node)

    def _rotate(self, node: int) -> None:
        """The node and its parent in the splay tree change places."""
        left, right, above = self._left, self._right, self._above
        parent = above[node]
        grandparent = above[parent]
        if grandparent >= 0:
            if left[grandparent] == parent:
                left[grandparent] = node
            elif right[grandparent] == parent:
                right[grandparent] = node
        near, far = (left, right) if left[parent] == node else (right, left)
        middle = far[node]
        near[parent] = middle
        if middle >= 0:
            above[middle] = parent
        far[node] = parent
        above[parent] = node
        above[node] = grandparent

"""The kinds of blocks a template is made of: one file each, registered here, in the order of the editor's palette.

``docs/adding-a-block.md`` goes through adding one.
"""

from __future__ import annotations

from apps.content.kinds.button import Button
from apps.content.kinds.columns import Columns
from apps.content.kinds.condition import Condition
from apps.content.kinds.details import Details
from apps.content.kinds.divider import Divider
from apps.content.kinds.footer import Footer
from apps.content.kinds.header import Header
from apps.content.kinds.heading import Heading
from apps.content.kinds.image import Image
from apps.content.kinds.loop import Loop
from apps.content.kinds.protocol import Kind
from apps.content.kinds.social import Social
from apps.content.kinds.spacer import Spacer
from apps.content.kinds.text import Text

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Header(),
        Heading(),
        Text(),
        Image(),
        Button(),
        Details(),
        Social(),
        Divider(),
        Spacer(),
        Columns(),
        Condition(),
        Loop(),
        Footer(),
    )
}
"""Every kind by its code word in JSON."""

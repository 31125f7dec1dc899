"""The styleguide: every component of the client in its states, for those who build pages and test them."""

from cellwright.web.access.permissions import Permission
from cellwright.web.page import plain_page

STYLEGUIDE = plain_page("styleguide", "/styleguide", Permission.SELF)

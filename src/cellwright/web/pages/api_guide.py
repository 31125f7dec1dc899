"""The guide to the API: what it answers and takes, drawn from its own description."""

from cellwright.web.access.permissions import Permission
from cellwright.web.page import plain_page

API_GUIDE = plain_page("api_guide", "/api-guide", Permission.SELF)

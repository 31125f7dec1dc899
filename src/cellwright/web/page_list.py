"""Every page of the product."""

from cellwright.web.overview import OVERVIEW

PAGES = (OVERVIEW,)

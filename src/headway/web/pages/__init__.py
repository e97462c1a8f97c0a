"""One module for each page, found by `headway.web.page`; an installed package brings more through `headway.pages`."""

"""The pages of domain administrators: what came for their domains, and what others report about them."""

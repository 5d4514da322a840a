"""The pages: HTTP in, HTTP out. What they do is said in the modules beside this folder."""

"""OpenAPI 3.1, generated from the route table, the parameter Structs and the render functions."""

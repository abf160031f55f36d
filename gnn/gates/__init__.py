"""Gates: what a build must meet to be published; one module per gate, registered in `gnn.gates.base`."""

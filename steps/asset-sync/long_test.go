//go:build long

package main

// long says that sweeps are complete: make test-long.
const long = true

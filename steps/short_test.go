//go:build !long

package steps_test

// long says that sweeps are complete: make test-long.
const long = false

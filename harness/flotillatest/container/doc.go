// Package container gives tests the bundled hub in a container of its own:
// the same program as flotillatest's, but one that can be paused, killed and
// started again while the test looks on from outside.
//
//	func TestHubDies(t *testing.T) {
//		hub := container.Run(t.Context(), t, container.Fleet("six-devices"))
//		...
//		hub.Kill(t.Context())
//	}
//
// Without a container engine the test is skipped and says why; with
// FLOTILLA_REQUIRE=docker in the environment it fails instead.
//
// The image is named by the option Image or the environment variable
// FLOTILLA_IMAGE; without either it is built from cmd/flotilla/Dockerfile,
// which needs Go but no registry.
//
// The package depends on github.com/testcontainers/testcontainers-go, the way
// Go tests run containers. Two of its settings are given a value where the
// environment has none: TESTCONTAINERS_RYUK_DISABLED=true, for its reaper is
// an image from a registry and Run removes what it starts; and, with an engine
// on a local socket, TESTCONTAINERS_HOST_OVERRIDE=127.0.0.1, where published
// ports are: from inside a container it would look for them at the gateway.
// Ports are published on 127.0.0.1 alone, and Run refuses an engine that is
// elsewhere.
package container

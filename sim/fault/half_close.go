package fault

// halfClose: shutdown(2) for writing, and a socket that is kept.
var halfClose = Recipe{
	Name:       "half-close",
	Help:       "it shuts its side of the connection down once its session is up, and keeps the socket open",
	Observable: "the hub counts the connection as lost and closes it; the device comes back, with its back-off, and does it again",
	LiveOnly:   true,
	Build:      func(string) (Conditions, error) { return Conditions{Client: Client{HalfCloses: true}}, nil },
}

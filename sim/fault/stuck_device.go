package fault

// stuckDevice: the callback that waits for a lock nobody gives back.
var stuckDevice = Recipe{
	Name:       "stuck-device",
	Help:       "the callback of its MQTT client never returns, so that its client soon reads no more",
	Observable: "calls to it time out; when enough is said to it the hub closes its connection as a slow consumer; nobody else notices",
	LiveOnly:   true,
	Build:      func(string) (Conditions, error) { return Conditions{Client: Client{Stuck: true}}, nil },
}

package mqtt
import ("testing";"runtime";"sync";"context";"net")
func stackIdle() (float64, float64) { for range 3 {runtime.GC()}; var m runtime.MemStats; runtime.ReadMemStats(&m); return float64(m.HeapAlloc), float64(m.StackInuse) }
func TestSzServer(t *testing.T){
	const n = 5000
	h0,s0 := stackIdle()
	var wg sync.WaitGroup
	var cs []net.Conn
	for range n {
		a, z := Pipe()
		cs = append(cs, a)
		s := NewSession(z,0)
		a.Write(encode(t, Packet{Kind: Connect, ClientID:"abc", CleanSession: true}))
		wg.Go(func(){ sink(s) })
		var b [4]byte
		a.Read(b[:])
	}
	h1,s1 := stackIdle()
	t.Log("server: heap", (h1-h0)/n, "stack", (s1-s0)/n)
	for _, c := range cs { c.Close() }
	wg.Wait()
}
func sink(s *Session) { for { p, err := s.Read(); if err != nil { s.Close(); return }; if p.Kind==Connect { ack(s) } } }
//go:noinline
func ack(s *Session) { s.Send(&Packet{Kind: Connack}) }
func TestSzLean(t *testing.T){
	const n = 5000
	h0,s0 := stackIdle()
	var cs []Client
	h := &ponger{}
	for range n {
		a, z := Pipe()
		z.Write([]byte{0x20,2,0,0})
		c, err := ConnectLean(t.Context(), Options{Dial: func(context.Context)(net.Conn,error){return a,nil}, Handler: h, ClientID: "a", CleanSession: true})
		if err != nil { t.Fatal(err) }
		cs = append(cs, c)
	}
	h1,s1 := stackIdle()
	t.Log("lean: heap", (h1-h0)/n, "stack", (s1-s0)/n)
	for _, c := range cs { c.Cut(); c.Wait() }
}

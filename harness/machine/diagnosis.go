package machine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Diagnosis is what a machine carries, held against one fleet.
type Diagnosis struct {
	OK      bool     `json:"ok"`      // the fleet fits in every way that was asked about
	Devices int      `json:"devices"` // the fleet's
	Machine *Machine `json:"machine"`
	Ways    []Way    `json:"ways"`
}

// Way is a transport and a client.
type Way struct {
	Fit
	Lacks []Shortage `json:"lacks"` // what the fleet lacks that way
}

// Examine holds a fleet against the machine, over a transport with a client;
// an empty one stands for each of them.
func (m *Machine) Examine(transport, client string, devices int) *Diagnosis {
	d := &Diagnosis{OK: true, Devices: devices, Machine: m}
	for _, f := range m.Fits() {
		if transport != "" && f.Transport != transport || client != "" && f.Client != client {
			continue
		}
		lacks := m.Check(f.Transport, f.Client, devices)
		d.OK = d.OK && len(lacks) == 0
		d.Ways = append(d.Ways, Way{f, append([]Shortage{}, lacks...)})
	}
	return d
}

// JSON writes the diagnosis for programs.
func (d *Diagnosis) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(d)
}

// Text writes the diagnosis for people.
func (d *Diagnosis) Text(w io.Writer) error {
	m := d.Machine
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "system\t%s\n", strings.Join(strings.Fields(m.OS+"/"+m.Arch+" "+m.Kernel+" "+m.Go), ", "))
	fmt.Fprintf(t, "processors\t%d\n", m.CPUs)
	fmt.Fprintf(t, "memory\t%s, of which %s available\n", amount(ofMemory, m.Memory), amount(ofMemory, m.Available))
	fmt.Fprintf(t, "open files\t%s at most, %d open\n", amount(ofFiles, m.FilesHard), m.FilesOpen)
	if m.PortFirst > 0 {
		fmt.Fprintf(t, "ports\t%s, %d to %d\n", amount(ofPorts, int64(m.Ports())), m.PortFirst, m.PortLast)
	} else {
		fmt.Fprint(t, "ports\tunknown\n")
	}
	fmt.Fprint(t, "\ntransport\tclient\ta device takes\tdevices that fit\tlimited by\n")
	for _, f := range d.Ways {
		devices, limit := thousands(int64(f.Devices)), f.Limit
		if f.Devices < 0 {
			devices, limit = "unknown", "-"
		}
		fmt.Fprintf(t, "%s\t%s\t%d KB\t%s\t%s\n", f.Transport, f.Client, f.Bytes/1000, devices, limit)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	var b strings.Builder
	said := map[string]bool{}
	for _, f := range d.Ways {
		for _, s := range f.Lacks {
			if text := s.sentence(f.Transport, f.Client, d.Devices); !said[text] {
				said[text] = true
				b.WriteString("\n" + text + "\n")
				s.advise(&b, said)
			}
		}
	}
	verdict := "fits"
	if !d.OK {
		verdict = "does not fit in every way that was asked about"
	}
	fmt.Fprintf(&b, "\nA fleet of %s devices %s.\n", thousands(int64(d.Devices)), verdict)
	_, err := io.WriteString(w, b.String())
	return err
}

// Admit holds a fleet against the machine before it starts. The error says
// that it cannot run, and what to do; warnings that it may be too large.
func (m *Machine) Admit(transport, client string, devices int) (warnings []string, err error) {
	list := m.Check(transport, client, devices)
	var b strings.Builder
	for _, s := range list {
		if !s.Fatal {
			warnings = append(warnings, s.sentence(transport, client, devices)+"; "+s.Remedy)
			continue
		}
		b.WriteString(s.sentence(transport, client, devices) + "\n")
		s.advise(&b, map[string]bool{})
	}
	if b.Len() == 0 {
		return warnings, nil
	}
	fmt.Fprintf(&b, "  or:        take %s devices; `flotilla doctor --devices %d` says more", thousands(int64(m.Fit(transport, client).Devices)), devices)
	return nil, errors.New(b.String())
}

func (s *Shortage) sentence(transport, client string, devices int) string {
	if s.Of == ofMemory {
		return fmt.Sprintf("%s devices over %s with the %s client need %s of memory; this machine gives %s",
			thousands(int64(devices)), transport, client, amount(s.Of, s.Need), amount(s.Of, s.Have))
	}
	return fmt.Sprintf("%s devices over %s need %s %s; this machine gives %s",
		thousands(int64(devices)), transport, amount(s.Of, s.Need), s.Of, amount(s.Of, s.Have))
}

// advise says what to do, each thing once.
func (s *Shortage) advise(b *strings.Builder, said map[string]bool) {
	tell := func(label, text string) {
		if text != "" && !said[text] {
			said[text] = true
			fmt.Fprintf(b, "  %-10s %s\n", label, text)
		}
	}
	for _, line := range s.Raise {
		tell("raise it:", line)
	}
	tell("or:", s.Remedy)
}

// amount prints so much of something.
func amount(of string, n int64) string {
	switch {
	case n == 0:
		return "unknown"
	case of == ofMemory:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	}
	return thousands(n)
}

// thousands prints a number with commas.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

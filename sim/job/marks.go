package job

// marks is a set of devices by their numbers, a bit for each: it is made in no
// time, whatever the number of devices.
type marks []uint64

func (m *marks) has(dev uint32) bool {
	if m == nil {
		return false
	}
	i := int(dev / 64)
	return i < len(*m) && (*m)[i]&(1<<(dev%64)) != 0
}

// add marks a device; a target that is none is not.
func (m *marks) add(dev uint32) {
	if dev == gone {
		return
	}
	for i := int(dev / 64); i >= len(*m); {
		*m = append(*m, 0)
	}
	(*m)[dev/64] |= 1 << (dev % 64)
}

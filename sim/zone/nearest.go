package zone

import "strings"

// nearest returns the name most like the one got, "" if none is like it: one
// that ends in it after a slash ("Paris"), else the one with the fewest
// letters to add, drop or change, upper and lower case being the same.
func nearest(got string, names []string) string {
	got = strings.ToLower(strings.TrimSpace(got))
	if got == "" {
		return ""
	}
	best, least := "", 1+len(got)/3
	for _, name := range names {
		low := strings.ToLower(name)
		if strings.HasSuffix(low, "/"+got) {
			return name
		}
		if d := distance(got, low, least); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance returns how many bytes are to add, drop or change to get from a to
// b; limit stands for that and anything above.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, diagonal+1, row[j]+1)
		}
	}
	return min(row[len(b)], limit)
}

package virtue

import "time"

func civil(sec int64, zone []byte) (string, error) {
	t := time.Unix(sec, 0).UTC()
	z, err := time.LoadLocationFromTZData("Europe/Berlin", zone)
	if err != nil {
		return "", err
	}
	u, err := time.ParseInLocation(time.RFC3339, "2026-01-01T00:00:00Z", time.UTC)
	if err != nil {
		return "", err
	}
	_ = time.Date(2026, time.January, 1, 0, 0, 0, 0, z).Add(5 * time.Second)
	return time.UnixMilli(sec).In(z).Format(time.RFC3339) + t.Sub(u).String(), nil
}

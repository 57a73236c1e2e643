package sin

import "fmt"

func name(x *int) string {
	return fmt.Sprintf("%%%p", x) // want "prints an address"
}

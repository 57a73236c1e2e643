package sin

import "fmt"

func say(x any) {
	fmt.Println(x) // want "fmt.Println: machines observe"
	println("x")   // want "println: machines observe"
}

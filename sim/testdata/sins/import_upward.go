package sin

import _ "github.com/flotilla-sim/flotilla/scenarios" // want "arrows point down"

package sin

import _ "pgregory.net/rapid" // want "the core has no dependencies"

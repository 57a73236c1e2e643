package sin

import _ "math/rand" // want "import of math/rand, which is not on the list"

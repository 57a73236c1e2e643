package sin

import _ "testing" // want "import of testing, which is not on the list"

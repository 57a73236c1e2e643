package sin

import _ "io" // want "import of io, which is not on the list"

package sin

import _ "io/fs" // want "import of io/fs, which is not on the list"

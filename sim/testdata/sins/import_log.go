package sin

import _ "log" // want "import of log, which is not on the list"

package sin

import _ "sync" // want "import of sync, which is not on the list"

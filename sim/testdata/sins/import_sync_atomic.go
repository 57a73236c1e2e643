package sin

import _ "sync/atomic" // want "import of sync/atomic, which is not on the list"

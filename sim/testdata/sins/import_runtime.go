package sin

import _ "runtime" // want "import of runtime, which is not on the list"

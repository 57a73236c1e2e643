package sin

import _ "context" // want "import of context, which is not on the list"

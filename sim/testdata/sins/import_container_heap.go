package sin

import _ "container/heap" // want "import of container/heap, which is not on the list"

package sin

import _ "sort" // want "import of sort, which is not on the list"

package sin

import _ "os" // want "import of os, which is not on the list"

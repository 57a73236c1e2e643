package sin

import _ "net/http" // want "import of net/http, which is not on the list"

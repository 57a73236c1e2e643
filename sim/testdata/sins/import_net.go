package sin

import _ "net" // want "import of net, which is not on the list"

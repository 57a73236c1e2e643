package sin

import _ "encoding/xml" // want "import of encoding/xml, which is not on the list"

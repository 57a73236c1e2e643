package sin

import _ "unsafe" // want "import of unsafe, which is not on the list"

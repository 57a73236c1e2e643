package sin

import _ "crypto/rand" // want "import of crypto/rand, which is not on the list"

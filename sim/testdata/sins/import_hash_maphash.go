package sin

import _ "hash/maphash" // want "import of hash/maphash, which is not on the list"

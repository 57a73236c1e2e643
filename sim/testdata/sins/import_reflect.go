package sin

import _ "reflect" // want "import of reflect, which is not on the list"

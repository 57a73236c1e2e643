package sin

import _ "log/slog" // want "import of log/slog, which is not on the list"

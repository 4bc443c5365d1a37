from mini_xception.cli import main

raise SystemExit(main())

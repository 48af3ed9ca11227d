;; verdict: refused at imports IMPORT_FORBIDDEN
;; time: 0.2 s
;; memory: 8 MiB
;; proves: a name cannot drive the terminal of whoever reads the finding, nor show as another.
(module
  (import "\1b[2J\1b[31m" "\e2\80\aeelosnoc" (func))
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))

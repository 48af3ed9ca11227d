;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: names with escapes, marks of direction and characters of no width are only names.
(module
  (memory (export "memory") 1)
  (func (export "\1b[2J\1b]0;owned\07"))
  (func (export "\e2\80\aeetaulave"))
  (func (export "ev\e2\80\8baluate"))
  (func (export "\c2\9b31m"))
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 1))

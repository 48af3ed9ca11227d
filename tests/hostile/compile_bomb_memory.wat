;; verdict: refused at compile COMPILE_TOO_LARGE
;; time: 10 s
;; memory: 400 MiB
;; limits: compile_memory_bytes_max=209715200
;; proves: a compiler that wants more memory than it may have is ended: this one wants over 500 MiB.
(module
  (memory (export "memory") 1)
  (func
    ;; repeat 1000
    (local i32)
    ;; end
    ;; repeat 2000
    loop
    ;; end
    ;; repeat 3800
    (br_if 0 (local.get {n*7919%1000}))
    (local.set {n*104729%1000} (local.get {n*15485863%1000}))
    ;; end
    ;; repeat 2000
    local.get {n%1000} br_if 0 end
    ;; end
  )
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))

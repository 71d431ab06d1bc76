"""What did the classifier look at? Usage: explain.py LIBRARY PHOTOGRAPH. Needs Python alone."""
import ctypes as c
import sys

gradex = c.CDLL(sys.argv[1])
with open(sys.argv[2], "rb") as file:
    photograph = file.read()


class Prediction(c.Structure):
    _fields_ = [("class_", c.c_size_t), ("probability", c.c_double)]


def call(name, *arguments):
    if getattr(gradex, "gradex_" + name)(*arguments) != 0:
        message = c.create_string_buffer(512)
        gradex.gradex_error(message, c.c_size_t(512))
        raise RuntimeError(message.value.decode())


model, view, explanation = c.c_void_p(), c.c_void_p(), c.c_void_p()
call("model_embedded", c.byref(model))
call("view_decode", model, photograph, c.c_size_t(len(photograph)), None, c.byref(view))
best, count = (Prediction * 1)(), c.c_size_t()
call("view_top", view, best, c.c_size_t(1), c.byref(count))
call("view_explain", view, c.c_size_t(best[0].class_), None, None, c.byref(explanation))
fine, shape = (c.c_float * (224 * 224))(), (c.c_size_t * 3)()
call("explanation_fine", explanation, fine, c.c_size_t(len(fine)), shape)
print(f"class {best[0].class_}, {best[0].probability:.1%}, hottest at pixel {max(range(len(fine)), key=fine.__getitem__)}")
for name, handle in [("explanation", explanation), ("view", view), ("model", model)]:
    getattr(gradex, f"gradex_{name}_free")(handle)

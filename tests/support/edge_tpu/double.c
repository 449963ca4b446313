/* A double of libedgetpu.so.1: the real C API and the real delegate entry points, and a chip that behaves as told.

   The folder named by EDGE_TPU_DOUBLE holds what the tests say; an empty file says nothing:
     devices        one line per device, "usb PATH" or "pci PATH"
     version        what edgetpu_version() says
     next           what happens at the next call, taken away by it: one word and an argument
     always         what happens at every call
     calls          one byte is added for each invocation that gave an answer
   The words, when devices are listed: "list-abort", "list-segfault", "list-hang". At the creation of the delegate:
   "refuse". At the preparation of the graph: "segfault-at-construction", "too-new". At an invocation:
   "fail", "abort", "segfault", "hang", "exit", "wrong", "wrong-size", "slow MILLISECONDS".

   What a compiled model computes is in its custom operation's options: the plain int8 model, which the double runs on
   the processor with the very TFLite runtime of the process it lives in, through Python's C API.

   No package carries TFLite's headers; the structures are declared as tensorflow/lite/core/c/common.h has them. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

typedef enum { kOk = 0, kError = 1 } Status;
typedef struct { int size; int data[]; } IntArray;
typedef struct Context Context;
typedef struct Delegate Delegate;
typedef struct Node {
  IntArray *inputs, *outputs, *intermediates, *temporaries;
  void *user_data, *builtin_data;
  const void *custom_initial_data;
  int custom_initial_data_size;
  Delegate *delegate;
  bool might_have_side_effect;
} Node;
typedef struct Registration {
  void *(*init)(Context *, const char *, size_t);
  void (*free)(Context *, void *);
  Status (*prepare)(Context *, Node *);
  Status (*invoke)(Context *, Node *);
  const char *(*profiling_string)(const Context *, const Node *);
  int32_t builtin_code;
  const char *custom_name;
  int version;
  void *registration_external;
  void *async_kernel;
  uint64_t inplace_operator;
} Registration;
typedef struct Tensor {
  int type;
  void *data;
  IntArray *dims;
  float scale;
  int32_t zero_point;
  int allocation_type;
  size_t bytes;
  const void *allocation;
  const char *name;
  Delegate *delegate;
  int buffer_handle;
  bool data_is_stale, is_variable;
  int quantization_type;
  void *quantization_params;
  void *sparsity;
  const IntArray *dims_signature;
} Tensor;
struct Context {
  size_t tensors_size;
  Status (*GetExecutionPlan)(Context *, IntArray **);
  Tensor *tensors;
  void *impl;
  Status (*ResizeTensor)(Context *, Tensor *, IntArray *);
  void (*ReportError)(Context *, const char *, ...);
  Status (*AddTensors)(Context *, int, int *);
  Status (*GetNodeAndRegistration)(Context *, int, Node **, Registration **);
  Status (*ReplaceNodeSubsetsWithDelegateKernels)(Context *, Registration, const IntArray *, Delegate *);
};
struct Delegate {
  void *data;
  Status (*Prepare)(Context *, Delegate *);
  Status (*CopyFromBufferHandle)(Context *, Delegate *, int, Tensor *);
  Status (*CopyToBufferHandle)(Context *, Delegate *, int, Tensor *);
  void (*FreeBufferHandle)(Context *, Delegate *, int *);
  int64_t flags;
  void *opaque_delegate_builder;
};
typedef struct { Delegate *delegate; IntArray *nodes_to_replace, *input_tensors, *output_tensors; } DelegateParams;

static const char CUSTOM_OPERATION[] = "edgetpu-custom-op";
enum { ALLOW_DYNAMIC_TENSORS = 1, LONGEST = 512, MOST_DEVICES = 8, MOST_TENSORS = 8 };

/* --- what the tests say --------------------------------------------------------------------------------------- */

enum { DEVICES, VERSION, NEXT, ALWAYS, CALLS, FILES };
static const char *const NAMES[FILES] = {"devices", "version", "next", "always", "calls"};
static int files[FILES];

/* When the library is loaded, as the engine host may open none of them later. */
__attribute__((constructor)) static void open_files(void) {
  const char *folder = getenv("EDGE_TPU_DOUBLE");
  char path[LONGEST];
  for (int i = 0; i < FILES; i++) {
    snprintf(path, sizeof path, "%s/%s", folder == NULL ? "" : folder, NAMES[i]);
    files[i] = folder == NULL ? -1 : open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  }
}

static bool told(int file, char *text, bool take_away) {
  if (take_away && flock(files[file], LOCK_EX) != 0) return false;
  ssize_t length = pread(files[file], text, LONGEST - 1, 0);
  text[length < 0 ? 0 : length] = '\0';
  if (take_away) {
    if (length > 0 && ftruncate(files[file], 0) != 0) length = 0;
    flock(files[file], LOCK_UN);
  }
  return length > 0; /* when taking away: otherwise another process was quicker */
}

static bool is_told(const char *word, char *argument) {
  char text[LONGEST];
  size_t length = strlen(word);
  for (int i = NEXT; i <= ALWAYS; i++) {
    if (!told(i, text, false) || strncmp(text, word, length) != 0) continue;
    if (text[length] != '\0' && text[length] != ' ' && text[length] != '\n') continue;
    if (i == NEXT && !told(i, text, true)) continue;
    if (argument != NULL) strcpy(argument, text + length);
    return true;
  }
  return false;
}

static void count_call(void) {
  if (files[CALLS] >= 0 && write(files[CALLS], ".", 1) != 1) abort();
}

/* --- the C API of edgetpu_c.h ---------------------------------------------------------------------------------- */

struct edgetpu_device { int type; const char *path; };

struct edgetpu_device *edgetpu_list_devices(size_t *count) {
  char text[LONGEST];
  *count = 0;
  if (is_told("list-abort", NULL)) abort();
  if (is_told("list-segfault", NULL)) raise(SIGSEGV);
  while (is_told("list-hang", NULL)) pause();
  if (!told(DEVICES, text, false)) return NULL;
  struct edgetpu_device *devices = calloc(MOST_DEVICES, sizeof *devices);
  char *rest = NULL;
  for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
    if (*count == MOST_DEVICES) break;
    devices[*count].type = strncmp(line, "usb ", 4) == 0 ? 1 : 0;
    devices[(*count)++].path = strdup(line + 4);
  }
  if (*count == 0) { free(devices); return NULL; }
  return devices;
}

void edgetpu_free_devices(struct edgetpu_device *devices) { free(devices); }

const char *edgetpu_version(void) {
  static char text[LONGEST];
  return told(VERSION, text, false) ? text : "BuildLabel(COMPILER=double,DATE=redacted,TIME=redacted), RuntimeVersion(14)";
}

/* --- the processor in the chip's place -------------------------------------------------------------------------- */

static const char RUN[] =
    "def _edge_tpu_double(model, size, inputs, outputs):\n"
    "    import ctypes\n"
    "    import numpy as np\n"
    "    cache = _edge_tpu_double.__dict__\n"
    "    if model not in cache:\n"
    "        try:\n"
    "            from ai_edge_litert.interpreter import Interpreter\n"
    "        except ImportError:\n"
    "            from tflite_runtime.interpreter import Interpreter\n"
    "        cache[model] = Interpreter(model_content=ctypes.string_at(model, size), num_threads=1)\n"
    "        cache[model].allocate_tensors()\n"
    "    interpreter = cache[model]\n"
    "    for detail, (address, length) in zip(interpreter.get_input_details(), inputs):\n"
    "        values = np.frombuffer(ctypes.string_at(address, length), detail['dtype'])\n"
    "        interpreter.set_tensor(detail['index'], values.reshape(detail['shape']))\n"
    "    interpreter.invoke()\n"
    "    for detail, (address, length) in zip(interpreter.get_output_details(), outputs):\n"
    "        values = interpreter.get_tensor(detail['index']).tobytes()\n"
    "        assert len(values) == length\n"
    "        ctypes.memmove(address, values, length)\n";

static bool run_on_the_processor(const void *model, int size, Tensor **inputs, int reads, Tensor **outputs, int writes) {
  int (*ensure)(void) = (int (*)(void))dlsym(RTLD_DEFAULT, "PyGILState_Ensure");
  void (*release)(int) = (void (*)(int))dlsym(RTLD_DEFAULT, "PyGILState_Release");
  int (*run)(const char *) = (int (*)(const char *))dlsym(RTLD_DEFAULT, "PyRun_SimpleString");
  if (ensure == NULL || release == NULL || run == NULL) return false;
  static bool defined = false;
  char call[4096];
  int end = snprintf(call, sizeof call, "_edge_tpu_double(%zu, %d, [", (size_t)model, size);
  for (int i = 0; i < reads; i++)
    end += snprintf(call + end, sizeof call - end, "(%zu, %zu), ", (size_t)inputs[i]->data, inputs[i]->bytes);
  end += snprintf(call + end, sizeof call - end, "], [");
  for (int i = 0; i < writes; i++)
    end += snprintf(call + end, sizeof call - end, "(%zu, %zu), ", (size_t)outputs[i]->data, outputs[i]->bytes);
  snprintf(call + end, sizeof call - end, "])\n");
  int state = ensure();
  bool worked = (defined || run(RUN) == 0) && run(call) == 0;
  defined = defined || worked;
  release(state);
  return worked;
}

/* --- the delegate ------------------------------------------------------------------------------------------------ */

typedef struct { const void *model; int size; IntArray *inputs, *outputs; } Kernel;

static IntArray *copied(const IntArray *array) {
  size_t bytes = sizeof(IntArray) + array->size * sizeof(int);
  return memcpy(malloc(bytes), array, bytes);
}

static void *kernel_init(Context *context, const char *buffer, size_t length) {
  const DelegateParams *params = (const DelegateParams *)buffer;
  Kernel *kernel = calloc(1, sizeof *kernel);
  Node *node;
  Registration *registration;
  (void)length;
  context->GetNodeAndRegistration(context, params->nodes_to_replace->data[0], &node, &registration);
  kernel->model = node->custom_initial_data;
  kernel->size = node->custom_initial_data_size;
  kernel->inputs = copied(node->inputs);
  kernel->outputs = copied(node->outputs);
  return kernel;
}

static void kernel_free(Context *context, void *data) {
  Kernel *kernel = data;
  (void)context;
  free(kernel->inputs);
  free(kernel->outputs);
  free(kernel);
}

static Status kernel_prepare(Context *context, Node *node) {
  (void)context;
  (void)node;
  return kOk;
}

static Status kernel_invoke(Context *context, Node *node) {
  const Kernel *kernel = node->user_data;
  Tensor *inputs[MOST_TENSORS], *outputs[MOST_TENSORS];
  char argument[LONGEST];
  if (is_told("fail", NULL)) {
    context->ReportError(context, "Failed to execute request. Could not map pages : -1");
    return kError;
  }
  if (is_told("abort", NULL)) {
    fprintf(stderr, "F driver/usb/usb_driver.cc:1045] transfer on tag 2 failed. Abort. Deadline exceeded\n");
    abort();
  }
  if (is_told("segfault", NULL)) raise(SIGSEGV);
  if (is_told("exit", NULL)) _exit(0);
  while (is_told("hang", NULL))
    for (;;) pause();
  if (is_told("slow", argument)) usleep((useconds_t)(atof(argument) * 1000));
  for (int i = 0; i < kernel->inputs->size; i++) inputs[i] = &context->tensors[kernel->inputs->data[i]];
  for (int i = 0; i < kernel->outputs->size; i++) outputs[i] = &context->tensors[kernel->outputs->data[i]];
  if (!run_on_the_processor(kernel->model, kernel->size, inputs, kernel->inputs->size, outputs, kernel->outputs->size))
    return kError;
  if (is_told("wrong-size", NULL)) outputs[0]->dims->data[outputs[0]->dims->size - 1] -= 1; /* as read afterwards */
  if (is_told("wrong", NULL))
    for (int i = 0; i < kernel->outputs->size; i++)
      for (size_t byte = 0; byte < outputs[i]->bytes; byte++) ((uint8_t *)outputs[i]->data)[byte] ^= 0x55;
  count_call();
  return kOk;
}

static Status prepare(Context *context, Delegate *delegate) {
  IntArray *plan;
  if (is_told("segfault-at-construction", NULL)) raise(SIGSEGV);
  if (context->GetExecutionPlan(context, &plan) != kOk) return kError;
  IntArray *claimed = calloc(1, sizeof(IntArray) + plan->size * sizeof(int));
  for (int i = 0; i < plan->size; i++) {
    Node *node;
    Registration *registration;
    context->GetNodeAndRegistration(context, plan->data[i], &node, &registration);
    if (registration->custom_name != NULL && strcmp(registration->custom_name, CUSTOM_OPERATION) == 0)
      claimed->data[claimed->size++] = plan->data[i];
  }
  if (claimed->size > 0 && is_told("too-new", NULL)) {
    context->ReportError(context,
                         "Package requires runtime version (15), which is newer than this runtime version (14).");
    free(claimed);
    return kError;
  }
  Registration registration = {.init = kernel_init,
                               .free = kernel_free,
                               .prepare = kernel_prepare,
                               .invoke = kernel_invoke,
                               .custom_name = CUSTOM_OPERATION,
                               .version = 1};
  Status status =
      claimed->size == 0 ? kOk : context->ReplaceNodeSubsetsWithDelegateKernels(context, registration, claimed, delegate);
  free(claimed);
  return status;
}

Delegate *tflite_plugin_create_delegate(char **keys, char **values, size_t count, void (*report_error)(const char *)) {
  char text[LONGEST];
  size_t present = 0;
  int wanted = 0;
  struct edgetpu_device *devices = edgetpu_list_devices(&present);
  (void)report_error; /* the real one says nothing either */
  edgetpu_free_devices(devices);
  for (size_t i = 0; i < count; i++)
    if (strcmp(keys[i], "device") == 0 && strchr(values[i], ':') != NULL) wanted = atoi(strchr(values[i], ':') + 1);
  if ((size_t)wanted >= present || is_told("refuse", text)) return NULL;
  Delegate *delegate = calloc(1, sizeof *delegate);
  delegate->Prepare = prepare;
  delegate->flags = ALLOW_DYNAMIC_TENSORS;
  return delegate;
}

void tflite_plugin_destroy_delegate(Delegate *delegate) { free(delegate); }

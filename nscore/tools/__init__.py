"""What runs on either backend: functions over Calls alone, for driven processes and programs alike."""
